// Buffers by their addresses, and the workgroup.
#extension GL_EXT_buffer_reference : require

layout(local_size_x_id = 0) in;  // constant_id 0: threads of a workgroup

layout(buffer_reference, std430, buffer_reference_align = 16) readonly buffer Units { uvec4 at[]; };
layout(buffer_reference, std430, buffer_reference_align = 4) readonly buffer Scales { uint pair[]; };
layout(buffer_reference, std430, buffer_reference_align = 16) readonly buffer Vectors { vec4 at[]; };
layout(buffer_reference, std430, buffer_reference_align = 4) readonly buffer Floats { float at[]; };
layout(buffer_reference, std430, buffer_reference_align = 4) buffer Outputs { float at[]; };
layout(buffer_reference, std430, buffer_reference_align = 4) readonly buffer Indices { uint at[]; };
layout(buffer_reference, std430, buffer_reference_align = 4) buffer Words { uint at[]; };
// Of texts, whose keys and values lie apart: the address of each one's. Who writes there casts it to Outputs: for an
// array of those glslc asks for a capability that nothing of this needs.
layout(buffer_reference, std430, buffer_reference_align = 8) readonly buffer FloatsOf { Floats at[]; };

uint group() { return gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x; }
