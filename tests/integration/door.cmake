# The trap that answers the door: the SMTP and LMTP feeds.
blowback_integration_test(door_flow 120)
blowback_integration_test(door_torture 240)
blowback_integration_test(door_killed 180)

# Real mail servers with the snippets of deploy/mta. What a sanitizer could find in ours is found elsewhere, and theirs are slow enough.
if(NOT BLOWBACK_SANITIZE)
  blowback_integration_test(mail_servers 400)
endif()
