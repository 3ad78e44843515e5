# Descriptors, addresses as the sockets API has them, and the clock that steps don't lead astray.
blowback_unit_tests(test_system
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/system_clock.cc ${CMAKE_CURRENT_LIST_DIR}/system_sockets.cc
  USES blowback::system)
