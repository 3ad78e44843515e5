# Faults of files, databases and outputs: nothing is lost, and the fault is reported.
blowback_integration_test(mishaps_output 120)
blowback_integration_test(mishaps_files 240)
blowback_integration_test(mishaps_database 120)
# With a sanitizer the memory in use isn't the program's own.
if(NOT BLOWBACK_SANITIZE)
  blowback_integration_test(mishaps_memory 240)
endif()
