# What both daemons tell of themselves: log lines, metrics, health, the door a monitor asks by, notes to the service manager.
blowback_unit_tests(test_watch THREADS
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/watch_log.cc ${CMAKE_CURRENT_LIST_DIR}/watch_metrics_text.cc
          ${CMAKE_CURRENT_LIST_DIR}/watch_health.cc ${CMAKE_CURRENT_LIST_DIR}/watch_http.cc
          ${CMAKE_CURRENT_LIST_DIR}/watch_notify.cc
  USES blowback::watch blowback::config blowback::core blowback::json Threads::Threads)
# Behind the door: the reading of a request.
target_include_directories(test_watch PRIVATE ${PROJECT_SOURCE_DIR}/watch)
