# A whole server in the test's process: its config in files, its database by the store, its clients over loopback.
blowback_unit_tests(test_service THREADS
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/service_reports.cc ${CMAKE_CURRENT_LIST_DIR}/service_server.cc
  USES blowback::service blowback::schema blowback::json Threads::Threads)
if(TARGET test_service)
  # What is behind the room's door is tested, too.
  target_include_directories(test_service PRIVATE ${PROJECT_SOURCE_DIR}/server/service)
endif()
