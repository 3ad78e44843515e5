blowback_unit_tests(test_smtp
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/smtp_session.cc ${CMAKE_CURRENT_LIST_DIR}/smtp_parts.cc
  USES blowback::smtp)
