blowback_unit_tests(test_score
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/score_assess.cc
  USES blowback::score blowback::core)
