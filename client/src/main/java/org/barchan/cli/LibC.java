package org.barchan.cli;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;

/** Functions of the C library that Java has no equivalent of. */
final class LibC {
    private LibC() {}

    /** Returns a function to call: whoever does says why the call is safe. */
    @SuppressWarnings("restricted") // see above
    static MethodHandle function(String name, FunctionDescriptor type, Linker.Option... options) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), type, options);
    }
}
