# The configuration: every key, its range and its error.
blowback_unit_tests(test_config
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/config_parse.cc ${CMAKE_CURRENT_LIST_DIR}/config_errors.cc
          ${CMAKE_CURRENT_LIST_DIR}/config_file.cc ${CMAKE_CURRENT_LIST_DIR}/config_secrets.cc ${CMAKE_CURRENT_LIST_DIR}/config_web.cc ${CMAKE_CURRENT_LIST_DIR}/config_written.cc
  USES blowback::config blowback::fmt)
