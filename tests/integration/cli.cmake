# The operator's tool on real databases, with real daemons and the programs around it.
blowback_integration_test(cli_history 120)
blowback_integration_test(cli_export 120)
blowback_integration_test(cli_outward 120)
blowback_integration_test(cli_config 60)
blowback_integration_test(cli_decisions_killed 180)
blowback_integration_test(fairness_evidence 180)
# These compare texts only: under sanitizers they would cover nothing that the other tests don't cover.
if(NOT BLOWBACK_SANITIZE)
  blowback_integration_test(cli_documented 60)
endif()
