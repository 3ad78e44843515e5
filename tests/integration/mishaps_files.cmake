# Faults of files, databases and outputs: nothing is lost, and the fault is reported.
blowback_integration_test(mishaps_output 120 busy)
blowback_integration_test(mishaps_files 240 asan)
blowback_integration_test(mishaps_database 120 asan)
# With a sanitizer the memory in use isn't the program's own.
blowback_integration_test(mishaps_memory 240)
