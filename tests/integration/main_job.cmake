# The main job, whole: from a trap's mail to a DNS answer, and all that can go wrong on the way.
blowback_integration_test(main_job_flow 120)
blowback_integration_test(main_job_killed 240)
blowback_integration_test(main_job_latency 180)
blowback_integration_test(main_job_bad_input 180)
blowback_integration_test(main_job_trouble 120)
blowback_integration_test(main_job_joe_job 120)
blowback_integration_test(main_job_corpus 180)
set_tests_properties(main_job_latency PROPERTIES RUN_SERIAL ON)
