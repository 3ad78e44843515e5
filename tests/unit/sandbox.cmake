# What a process may still do afterwards: each case in a child that may die of it.
blowback_unit_tests(test_sandbox
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/sandbox_privileges.cc ${CMAKE_CURRENT_LIST_DIR}/sandbox_system_calls.cc
  USES blowback::sandbox Threads::Threads)
if(BLOWBACK_SANITIZE)
  target_compile_definitions(test_sandbox PRIVATE BLOWBACK_NO_SYSTEM_CALL_FILTER)
endif()
