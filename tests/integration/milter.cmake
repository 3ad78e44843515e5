# A mail server that is watched by a milter. With a real one: mta.cmake.
blowback_integration_test(milter_flow 180)
