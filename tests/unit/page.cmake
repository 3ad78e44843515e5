# The pages: what is asked for, languages, templates, pictures, and what the pages say.
blowback_unit_tests(test_page
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/page_asked.cc ${CMAKE_CURRENT_LIST_DIR}/page_chart.cc ${CMAKE_CURRENT_LIST_DIR}/page_language.cc
          ${CMAKE_CURRENT_LIST_DIR}/page_pages.cc ${CMAKE_CURRENT_LIST_DIR}/page_template.cc
  USES blowback::page blowback::account blowback::schema blowback::json blowback::fmt)
if(TARGET test_page)
  # What is behind the room's door is tested, too.
  target_include_directories(test_page PRIVATE ${PROJECT_SOURCE_DIR}/web/page)
endif()
