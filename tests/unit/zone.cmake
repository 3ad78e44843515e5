blowback_unit_tests(test_zone THREADS
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/zone_index.cc ${CMAKE_CURRENT_LIST_DIR}/zone_index_agrees.cc ${CMAKE_CURRENT_LIST_DIR}/zone_index_codes.cc ${CMAKE_CURRENT_LIST_DIR}/zone_index_large.cc
          ${CMAKE_CURRENT_LIST_DIR}/zone_follower.cc ${CMAKE_CURRENT_LIST_DIR}/zone_history.cc ${CMAKE_CURRENT_LIST_DIR}/zone_published.cc ${CMAKE_CURRENT_LIST_DIR}/zone_walk_within.cc
  USES blowback::zone blowback::schema blowback::core blowback::sqlite Threads::Threads)
