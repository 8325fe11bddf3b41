# `cmake --install` gives an application find_package(lathe) and lathe::lathe. The library is static, so what it
# links privately must be found again on the consumer's side: cmake/lathe-config.cmake does.
include(CMakePackageConfigHelpers)
set(LATHE_CONFIG_FOLDER ${CMAKE_INSTALL_LIBDIR}/cmake/lathe)

install(TARGETS lathe EXPORT lathe-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET lathe_cli)
  install(TARGETS lathe_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
# The models that come with lathe: beside the program where it is built, in share/lathe where it is installed.
file(GLOB LATHE_SHIPPED_MODELS CONFIGURE_DEPENDS models/*.gguf)
foreach(model IN LISTS LATHE_SHIPPED_MODELS)
  get_filename_component(name ${model} NAME)
  configure_file(${model} ${CMAKE_BINARY_DIR}/share/lathe/${name} COPYONLY)
endforeach()
install(FILES ${LATHE_SHIPPED_MODELS} DESTINATION ${CMAKE_INSTALL_DATADIR}/lathe)
install(DIRECTORY include/lathe DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(EXPORT lathe-targets NAMESPACE lathe:: DESTINATION ${LATHE_CONFIG_FOLDER})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/lathe-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES cmake/lathe-config.cmake cmake/FindPcre2.cmake cmake/FindUtf8proc.cmake
        ${CMAKE_CURRENT_BINARY_DIR}/lathe-config-version.cmake DESTINATION ${LATHE_CONFIG_FOLDER})
