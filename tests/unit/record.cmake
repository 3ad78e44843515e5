blowback_unit_tests(test_record
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/record_intake.cc ${CMAKE_CURRENT_LIST_DIR}/record_listed_callers.cc
          ${CMAKE_CURRENT_LIST_DIR}/record_loop.cc ${CMAKE_CURRENT_LIST_DIR}/record_removal_mail.cc ${CMAKE_CURRENT_LIST_DIR}/record_state.cc ${CMAKE_CURRENT_LIST_DIR}/record_troubles.cc
  USES blowback::record blowback::score blowback::feed blowback::schema blowback::core blowback::system blowback::sqlite)
