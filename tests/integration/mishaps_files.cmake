# What may befall files, databases and outputs: for each, that nothing is lost, and what is reported.
blowback_integration_test(mishaps_output 120)
blowback_integration_test(mishaps_files 240)
blowback_integration_test(mishaps_database 120)
# A sanitizer's memory isn't the program's.
if(NOT BLOWBACK_SANITIZE)
  blowback_integration_test(mishaps_memory 240)
endif()
