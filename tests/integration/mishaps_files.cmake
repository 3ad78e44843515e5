# What may befall files, databases and outputs: for each, that nothing is lost, and what is reported.
blowback_integration_test(mishaps_output 120)
blowback_integration_test(mishaps_files 240)
