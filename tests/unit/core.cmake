blowback_unit_tests(test_core
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/core_address.cc ${CMAKE_CURRENT_LIST_DIR}/core_time.cc ${CMAKE_CURRENT_LIST_DIR}/core_kind.cc ${CMAKE_CURRENT_LIST_DIR}/core_reach.cc
          ${CMAKE_CURRENT_LIST_DIR}/core_exemption_set.cc ${CMAKE_CURRENT_LIST_DIR}/core_removal.cc
          ${CMAKE_CURRENT_LIST_DIR}/core_test_points.cc ${CMAKE_CURRENT_LIST_DIR}/core_text.cc ${CMAKE_CURRENT_LIST_DIR}/core_wildcard.cc ${CMAKE_CURRENT_LIST_DIR}/core_wording.cc
  USES blowback::core)
