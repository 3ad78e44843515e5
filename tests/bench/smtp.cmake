# The SMTP feed under load; smtp_speed.py starts everything.
add_executable(smtp_load ${CMAKE_CURRENT_LIST_DIR}/smtp_load.cc)
target_link_libraries(smtp_load PRIVATE blowback::fmt Threads::Threads blowback::warnings)
string(JOIN ", sanitized " build_type ${CMAKE_BUILD_TYPE} ${BLOWBACK_SANITIZE})
target_compile_definitions(smtp_load PRIVATE "BLOWBACK_BUILD_TYPE=\"${build_type}\"")
