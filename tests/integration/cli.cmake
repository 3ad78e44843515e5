# The operator's tool on real databases, with real daemons and the programs around it.
blowback_integration_test(cli_history 120 asan)
blowback_integration_test(cli_export 120 asan)
blowback_integration_test(cli_outward 120 asan)
blowback_integration_test(cli_config 60 asan)
blowback_integration_test(cli_decisions_killed 180 busy)
blowback_integration_test(fairness_evidence 180 asan busy)
# These compare texts only: under sanitizers they would cover nothing that the other tests don't cover.
blowback_integration_test(cli_documented 60)
