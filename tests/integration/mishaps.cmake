# Ordinary faults of ten years of operation, one test for each: nothing is lost, and the fault is reported.
blowback_integration_test(mishaps_reload 240 asan tsan)
