# Descriptors, and addresses as the sockets API has them.
blowback_unit_tests(test_system
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/system_sockets.cc
  USES blowback::system)
