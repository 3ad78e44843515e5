blowback_unit_tests(test_daemon
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/daemon_run.cc
  USES blowback::daemon blowback::schema)
