# The SMTP and LMTP listener.
blowback_integration_test(smtp_listener_flow 120)
blowback_integration_test(smtp_listener_torture 240)
blowback_integration_test(smtp_listener_killed 180)
