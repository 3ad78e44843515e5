# Nobody innocent is listed, and nobody is held up, whatever a stranger sends.
blowback_integration_test(fairness_feeds 180)
blowback_integration_test(fairness_flood 240)
set_tests_properties(fairness_flood PROPERTIES RUN_SERIAL ON)
