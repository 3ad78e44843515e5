# The SMTP and LMTP listener.
blowback_integration_test(smtp_listener_flow 120 asan tsan)
blowback_integration_test(smtp_listener_torture 240 asan alone)
blowback_integration_test(smtp_listener_killed 180 busy)
# A listed host asks for its own removal.
blowback_integration_test(removal 180)  # with libfaketime, which doesn't work with sanitizers
