blowback_unit_tests(test_record
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/record_intake.cc ${CMAKE_CURRENT_LIST_DIR}/record_listed_callers.cc
          ${CMAKE_CURRENT_LIST_DIR}/record_state.cc
  USES blowback::record blowback::score blowback::feed blowback::schema blowback::core)
