# Toolchain: builds for 64-bit ARM on another Debian machine, with the packages crossbuild-essential-arm64 and the libraries' :arm64.
# With qemu-user-static, CTest runs the unit tests and fuzz targets of such a build, too (preset aarch64).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(PKG_CONFIG_EXECUTABLE aarch64-linux-gnu-pkg-config)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
find_program(BLOWBACK_QEMU qemu-aarch64-static)
if(BLOWBACK_QEMU)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${BLOWBACK_QEMU})
endif()
