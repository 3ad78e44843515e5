# Debian's mail servers and filters that query the list with the snippets of deploy/mta/, and Postfix with our milter.
# `tests/run.sh mta` fetches them; without them, or without root, these tests are skipped. They test other people's programs
# with ours, so one run without sanitizers is enough.
if(NOT BLOWBACK_SANITIZE)
  foreach(test mta_postfix mta_exim mta_sendmail mta_rspamd mta_spamassassin mta_haraka mta_milter)
    blowback_integration_test(${test} 240)
    set_property(TEST ${test} APPEND PROPERTY LABELS mta)
    set_property(TEST ${test} APPEND PROPERTY ENVIRONMENT "BLOWBACK_MAIL_SERVERS=${PROJECT_SOURCE_DIR}/build/mail-servers")
  endforeach()
endif()
