# Some cases run in a child process, which they may end.
blowback_unit_tests(test_system
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/system_call_filter.cc ${CMAKE_CURRENT_LIST_DIR}/system_clock.cc ${CMAKE_CURRENT_LIST_DIR}/system_one_time_token.cc ${CMAKE_CURRENT_LIST_DIR}/system_privileges.cc
          ${CMAKE_CURRENT_LIST_DIR}/system_sockets.cc
  USES blowback::system Threads::Threads)
if(BLOWBACK_SANITIZE)
  target_compile_definitions(test_system PRIVATE BLOWBACK_NO_SYSTEM_CALL_FILTER)
endif()
