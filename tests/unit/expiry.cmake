blowback_unit_tests(test_expiry
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/expiry_retention_clock.cc
  USES blowback::expiry blowback::schema blowback::score blowback::core)
