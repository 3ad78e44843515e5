# Mail servers and filters of Debian's that ask the list by the snippets of deploy/mta/, and Postfix that is watched by a milter.
# `tests/run.sh mta` gets them; without them, or without root, these are skipped. What they try is what programs of others do
# with us: once, without sanitizers, is enough.
if(NOT BLOWBACK_SANITIZE)
  foreach(test mta_postfix mta_exim mta_sendmail mta_rspamd mta_spamassassin mta_haraka mta_milter)
    blowback_integration_test(${test} 240)
    set_property(TEST ${test} APPEND PROPERTY LABELS mta)
    set_property(TEST ${test} APPEND PROPERTY ENVIRONMENT "BLOWBACK_MAIL_SERVERS=${PROJECT_SOURCE_DIR}/build/mail-servers")
  endforeach()
endif()
