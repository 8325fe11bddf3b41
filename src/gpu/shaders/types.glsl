// Buffers by their addresses, and the workgroup.
#extension GL_EXT_buffer_reference : require

layout(local_size_x_id = 0) in;  // constant_id 0: threads of a workgroup

layout(buffer_reference, std430, buffer_reference_align = 16) readonly buffer Units { uvec4 at[]; };
layout(buffer_reference, std430, buffer_reference_align = 4) readonly buffer Scales { uint pair[]; };
layout(buffer_reference, std430, buffer_reference_align = 16) readonly buffer Vectors { vec4 at[]; };
layout(buffer_reference, std430, buffer_reference_align = 4) readonly buffer Floats { float at[]; };
layout(buffer_reference, std430, buffer_reference_align = 4) buffer Outputs { float at[]; };
layout(buffer_reference, std430, buffer_reference_align = 4) readonly buffer Indices { uint at[]; };
// Where a decoder's step is: written by the step before it, so that a recording can be submitted again as it is.
layout(buffer_reference, std430, buffer_reference_align = 8) buffer State { uint token, position; };

uint group() { return gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x; }
