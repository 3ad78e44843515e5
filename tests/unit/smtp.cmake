blowback_unit_tests(test_smtp THREADS
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/smtp_arrival_queue.cc ${CMAKE_CURRENT_LIST_DIR}/smtp_connection.cc ${CMAKE_CURRENT_LIST_DIR}/smtp_listener.cc
          ${CMAKE_CURRENT_LIST_DIR}/smtp_parts.cc ${CMAKE_CURRENT_LIST_DIR}/smtp_session.cc
  USES blowback::smtp blowback::system blowback::fmt)
