add_executable(growth ${CMAKE_CURRENT_LIST_DIR}/growth.cc)
target_link_libraries(growth PRIVATE blowback::schema blowback::score blowback::core blowback::fmt blowback::warnings)
