blowback_unit_tests(test_milter
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/milter_session.cc ${CMAKE_CURRENT_LIST_DIR}/milter_frame.cc
  USES blowback::milter)
