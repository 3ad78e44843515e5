# The libraries that Blowback uses, all of them Debian packages, each under one name: blowback::<part>.
# Their headers are SYSTEM, so that our warnings apply to our own code only.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(CLI11 REQUIRED)

function(blowback_part name)
  pkg_check_modules(PART_${name} REQUIRED IMPORTED_TARGET ${ARGN})
  add_library(blowback::${name} ALIAS PkgConfig::PART_${name})
endfunction()

blowback_part(sqlite sqlite3>=3.40)
blowback_part(ldns ldns>=1.8)
blowback_part(gmime gmime-3.0>=3.2)
blowback_part(uchardet uchardet>=0.0.7)
blowback_part(re2 re2)
blowback_part(psl libpsl>=0.21)
blowback_part(crypto libcrypto>=3.0)
blowback_part(sodium libsodium>=1.0.18)

blowback_part(tls libssl>=3.0)
blowback_part(seccomp libseccomp>=2.5)
blowback_part(libmilter milter)
blowback_part(microhttpd libmicrohttpd>=0.9.75)

# Headers only, and without Boost.
find_path(ASIO_INCLUDE asio.hpp REQUIRED)
add_library(blowback_asio INTERFACE)
add_library(blowback::asio ALIAS blowback_asio)
target_include_directories(blowback_asio SYSTEM INTERFACE ${ASIO_INCLUDE})
target_compile_definitions(blowback_asio INTERFACE ASIO_STANDALONE ASIO_NO_DEPRECATED)
target_link_libraries(blowback_asio INTERFACE blowback::tls Threads::Threads)
if(BLOWBACK_SANITIZE MATCHES "thread")
  # ThreadSanitizer doesn't support fences. Asio's mutex already orders what its fences guard.
  target_compile_definitions(blowback_asio INTERFACE ASIO_DISABLE_FENCED_BLOCK)
endif()

add_library(blowback::fmt ALIAS fmt::fmt)
add_library(blowback::spdlog ALIAS spdlog::spdlog)
add_library(blowback::json ALIAS nlohmann_json::nlohmann_json)
add_library(blowback::toml ALIAS tomlplusplus::tomlplusplus)
add_library(blowback::cli11 ALIAS CLI11::CLI11)

add_library(blowback_warnings INTERFACE)
add_library(blowback::warnings ALIAS blowback_warnings)
target_compile_options(blowback_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
if(BLOWBACK_WARNINGS_AS_ERRORS)
  target_compile_options(blowback_warnings INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC warns of members that a designated initializer leaves at their default, which is intended.
  target_compile_options(blowback_warnings INTERFACE -Wno-missing-field-initializers)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # libstdc++ 12's own stable_sort uses a function that it declares deprecated; clang warns where it is instantiated.
  # Like GCC, clang warns of members that a designated initializer leaves at their default.
  target_compile_options(blowback_warnings INTERFACE -Wno-deprecated-declarations -Wno-missing-designated-field-initializers)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND BLOWBACK_SANITIZE)
  # GCC's manual: with sanitizers this warning has false positives (here for std::optional). The release build keeps it.
  target_compile_options(blowback_warnings INTERFACE -Wno-maybe-uninitialized)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC bug 105651: a false positive for `"literal" + std::string` in optimised code.
  target_compile_options(blowback_warnings INTERFACE -Wno-restrict)
endif()
