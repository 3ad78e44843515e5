# The operator's tool on real databases with real daemons beside it.
blowback_integration_test(cli_history 120)
