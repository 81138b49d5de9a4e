package org.barchan.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.barchan.client.Identity;
import org.barchan.client.TerminalSize;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class PredecessorConfigTest {
    private static final Caller CALLER =
            new Caller(Map.of(), "/here", new Identity(1000, 100, List.of(), false), 0, TerminalSize.UNKNOWN);

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "``|x.ini: it is empty",
                "name=a|x.ini:1:1: 'name=a'",
                "[core];garbage;more|x.ini:2:1: 'garbage'",
                "[core];arch=ppc64|[core] arch=ppc64",
                "[core];shell=true|[core] shell=true",
                "[network.0];dhcp=true|[network.0] dhcp=true",
                "[security];label=a;dynamic=false|[security] label=a",
                "[mount.0];type=GVirSandboxConfigMountHostImage;target=/a;format=qed;source=/b|format=qed",
                "[disk.0];type=block;tag=a;source=/b|[disk.0] source=/b",
                "[core];name=Not A Name|is no sandbox name",
                "[mount.0];type=GVirSandboxConfigMountRam;target=/a;usage=much|'much' is no size"
            })
    void yaml_bad_saysWhat(String text, String problem) {
        Exception e = assertThrows(Exception.class, () -> yaml(text.replace(';', '\n'), false));
        assertTrue(String.valueOf(e.getMessage()).contains(problem), e.getMessage());
    }

    @Test
    void yaml_all_isConverted() throws Exception {
        assertEquals("""
                name: box
                root: /srv/root
                mount:
                - type=bind,src=/b c,dst=/a,rw
                - type=tmpfs,dst=/r,size=1048576
                - type=guest-bind,src=/b,dst=/g
                - type=image,src=/i,format=qcow2,dst=/i,rw
                - type=bind,src=/etc/hosts,dst=/a/etc/hosts,overlay
                disk:
                - tag=data,src=/d,rw
                kernel: /boot/vmlinuz-6.1
                env:
                - USER=me
                - LOGNAME=me
                - HOME=/home/me
                - |-
                  A=b
                  c
                user: 1000:100
                command:
                - /bin/echo
                - ' x'
                """, yaml("""
                # made by a program
                [api]
                class=GVirSandboxConfigInteractive
                version=0.8.0
                [core]
                name=box
                uuid=1234
                root=/srv/root
                arch=x86_64
                kernrelease=6.1
                shell=false
                [identity]
                uid=1000
                gid=100
                username=me
                homedir=/home/me
                [env.0]
                key=A
                value=b\\nc
                [mount.0]
                type=GVirSandboxConfigMountHostBind
                target=/a
                source=/b c
                [mount.0.include.0]
                dst=etc/hosts
                src=/etc/hosts
                [mount.1]
                type=GVirSandboxConfigMountRam
                target=/r
                usage=1048576
                [mount.2]
                type=GVirSandboxConfigMountGuestBind
                target=/g
                source=/b
                [mount.3]
                type=GVirSandboxConfigMountHostImage
                target=/i
                source=/i
                format=qcow2
                [disk.0]
                type=file
                tag=data
                source=/d
                [command]
                argv.0=/bin/echo
                argv.1=\\sx
                [security]
                dynamic=false
                """, false));
    }

    @Test
    void yaml_partial_hasTheRestInComments() throws Exception {
        assertEquals(
                "# not converted: [network.0] dhcp=true\nname: box\nprivileged: true\n",
                yaml("[core]\nname=box\n[identity]\nuid=0\ngid=0\n[network.0]\ndhcp=true\n", true));
    }

    private static String yaml(String text, boolean partial) throws Exception {
        return new PredecessorConfig("x.ini", text).yaml(partial, CALLER, new UserDatabase(Path.of("/etc")));
    }
}
