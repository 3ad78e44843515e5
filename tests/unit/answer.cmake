blowback_unit_tests(test_answer
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/answer_names.cc ${CMAKE_CURRENT_LIST_DIR}/answer_zone.cc
          ${CMAKE_CURRENT_LIST_DIR}/answer_messages.cc ${CMAKE_CURRENT_LIST_DIR}/answer_edns.cc
          ${CMAKE_CURRENT_LIST_DIR}/answer_hostile.cc ${CMAKE_CURRENT_LIST_DIR}/answer_two_ways.cc ${CMAKE_CURRENT_LIST_DIR}/answer_guards.cc
          ${CMAKE_CURRENT_LIST_DIR}/answer_access.cc ${CMAKE_CURRENT_LIST_DIR}/answer_cookie.cc
          ${CMAKE_CURRENT_LIST_DIR}/answer_rate_limit.cc ${CMAKE_CURRENT_LIST_DIR}/answer_tsig.cc
  USES blowback::answer blowback::zone blowback::config blowback::core blowback::ldns blowback::sodium)
