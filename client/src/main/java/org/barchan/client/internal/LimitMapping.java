package org.barchan.client.internal;

import org.barchan.client.ProcessLimits;
import org.barchan.client.ResourceLimit;
import org.barchan.v1.LimitedResource;
import org.barchan.v1.ProcessSpec;

/** Turns limits of a process into the API's. */
final class LimitMapping {
    private LimitMapping() {}

    static void put(ProcessLimits limits, ProcessSpec.Builder proto) {
        limits.resources().forEach(limit -> proto.addResourceLimits(toProto(limit)));
        limits.nice().ifPresent(proto::setNice);
        limits.oomScoreAdjustment().ifPresent(proto::setOomScoreAdj);
    }

    private static org.barchan.v1.ResourceLimit toProto(ResourceLimit limit) {
        org.barchan.v1.ResourceLimit.Builder proto =
                org.barchan.v1.ResourceLimit.newBuilder().setResource(toProto(limit.resource()));
        limit.soft().ifPresent(proto::setSoft);
        limit.hard().ifPresent(proto::setHard);
        return proto.build();
    }

    private static LimitedResource toProto(ResourceLimit.Resource resource) {
        return switch (resource) {
            case CPU -> LimitedResource.LIMITED_RESOURCE_CPU;
            case FSIZE -> LimitedResource.LIMITED_RESOURCE_FSIZE;
            case DATA -> LimitedResource.LIMITED_RESOURCE_DATA;
            case STACK -> LimitedResource.LIMITED_RESOURCE_STACK;
            case CORE -> LimitedResource.LIMITED_RESOURCE_CORE;
            case RSS -> LimitedResource.LIMITED_RESOURCE_RSS;
            case NPROC -> LimitedResource.LIMITED_RESOURCE_NPROC;
            case NOFILE -> LimitedResource.LIMITED_RESOURCE_NOFILE;
            case MEMLOCK -> LimitedResource.LIMITED_RESOURCE_MEMLOCK;
            case AS -> LimitedResource.LIMITED_RESOURCE_AS;
            case LOCKS -> LimitedResource.LIMITED_RESOURCE_LOCKS;
            case SIGPENDING -> LimitedResource.LIMITED_RESOURCE_SIGPENDING;
            case MSGQUEUE -> LimitedResource.LIMITED_RESOURCE_MSGQUEUE;
            case NICE -> LimitedResource.LIMITED_RESOURCE_NICE;
            case RTPRIO -> LimitedResource.LIMITED_RESOURCE_RTPRIO;
            case RTTIME -> LimitedResource.LIMITED_RESOURCE_RTTIME;
        };
    }
}
