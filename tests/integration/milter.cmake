# The milter feed with a simulated mail server. With a real one: mta.cmake.
blowback_integration_test(milter_flow 180 asan tsan)
