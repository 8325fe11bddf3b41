# What a report says of the build: the flags every file of ours is compiled with (an instruction-set file adds its own).
string(TOUPPER "${CMAKE_BUILD_TYPE}" config)
get_target_property(options lathe_flags INTERFACE_COMPILE_OPTIONS)
string(GENEX_STRIP "${options}" options)
list(FILTER options EXCLUDE REGEX "^-W")
string(JOIN " " LATHE_CXX_FLAGS ${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${config}} ${options})
set_source_files_properties(cli/report_context.cc PROPERTIES COMPILE_DEFINITIONS "LATHE_CXX_FLAGS=\"${LATHE_CXX_FLAGS}\"")
