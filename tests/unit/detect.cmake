# The judge: golden samples, its promises, and what it reads.
blowback_unit_tests(test_detect
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/detect_evidence.cc ${CMAKE_CURRENT_LIST_DIR}/detect_golden.cc ${CMAKE_CURRENT_LIST_DIR}/detect_judge.cc
          ${CMAKE_CURRENT_LIST_DIR}/detect_patterns.cc ${CMAKE_CURRENT_LIST_DIR}/detect_reading.cc ${CMAKE_CURRENT_LIST_DIR}/detect_signatures.cc
          ${CMAKE_CURRENT_LIST_DIR}/detect_tables.cc
  USES blowback::detect blowback::mail blowback::re2 blowback::fmt)
