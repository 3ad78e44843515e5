# The trap that answers the door: the SMTP and LMTP feeds.
blowback_integration_test(door_flow 120)
blowback_integration_test(door_torture 240)
blowback_integration_test(door_killed 180)
