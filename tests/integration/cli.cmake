# The operator's tool against the programs around it.
blowback_integration_test(cli_export 120)
blowback_integration_test(cli_outward 120)
blowback_integration_test(cli_documented 60)
