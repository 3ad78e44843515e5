# What ordinarily goes wrong in ten years, one test for each: what is lost, which is nothing, and what is reported.
blowback_integration_test(mishaps_reload 240)
