package org.barchan.host.lifecycle;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.barchan.host.port.Views.Mask;

/**
 * What a host has below its "/" that is no business of a sandbox's: where Debian and Fedora, their services and common programs have keys,
 * passwords, histories, and what other users, services and sandboxes keep. What QEMU's user may not read is in the list all the same: modes
 * may be wrong.
 *
 * @param home the caller's
 * @param others home directories of others
 * @param own directories of the agent
 */
record HostSecrets(Optional<Path> home, List<Path> others, List<Path> own) {
    private static final Path HOME = Path.of("/home");

    /** A sandbox has its own. */
    private static final List<String> OF_THE_RUNNING_HOST =
            List.of("/proc", "/sys", "/dev", "/run", "/var/run", "/tmp", "/var/tmp");

    private static final List<String> OF_THE_SYSTEM = List.of(
            "/boot/grub/user.cfg",
            "/boot/efi/loader/random-seed",
            "/etc/shadow",
            "/etc/shadow-",
            "/etc/gshadow",
            "/etc/gshadow-",
            "/etc/security/opasswd",
            "/etc/sudoers",
            "/etc/sudoers.d",
            "/etc/ssh/ssh_host_rsa_key",
            "/etc/ssh/ssh_host_ecdsa_key",
            "/etc/ssh/ssh_host_ed25519_key",
            "/etc/ssh/ssh_host_dsa_key",
            "/etc/ssl/private",
            "/etc/pki/tls/private",
            "/etc/letsencrypt",
            "/etc/NetworkManager/system-connections",
            "/etc/wpa_supplicant",
            "/etc/wireguard",
            "/etc/openvpn",
            "/etc/ipsec.secrets",
            "/etc/ipsec.d/private",
            "/etc/swanctl/private",
            "/etc/ppp/chap-secrets",
            "/etc/ppp/pap-secrets",
            "/etc/krb5.keytab",
            "/etc/cryptsetup-keys.d",
            "/etc/credstore",
            "/etc/credstore.encrypted",
            "/etc/kubernetes",
            "/etc/rancher",
            "/etc/docker",
            "/etc/libvirt",
            "/etc/mysql/debian.cnf",
            "/etc/samba/smbpasswd",
            "/root",
            "/var/backups",
            "/var/crash",
            "/var/lib/cloud",
            "/var/lib/containerd",
            "/var/lib/containers",
            "/var/lib/docker",
            "/var/lib/kubelet",
            "/var/lib/libvirt",
            "/var/lib/rancher",
            "/var/lib/samba/private",
            "/var/lib/sss",
            "/var/lib/systemd/coredump",
            "/var/lib/systemd/credential.secret",
            "/var/mail",
            "/var/spool/cron",
            "/var/spool/mail");

    /** Below the caller's home. */
    private static final List<String> OF_A_USER = List.of(
            ".1password",
            ".ICEauthority",
            ".Xauthority",
            ".aws",
            ".azure",
            ".bash_history",
            ".cargo/credentials",
            ".cargo/credentials.toml",
            ".claude/.credentials.json",
            ".composer/auth.json",
            ".config/1Password",
            ".config/Bitwarden",
            ".config/BraveSoftware",
            ".config/chromium",
            ".config/containers",
            ".config/doctl",
            ".config/gcloud",
            ".config/gh",
            ".config/git/credentials",
            ".config/google-chrome",
            ".config/heroku",
            ".config/hub",
            ".config/microsoft-edge",
            ".config/op",
            ".config/rclone",
            ".config/sops",
            ".docker",
            ".gem/credentials",
            ".git-credentials",
            ".gnupg",
            ".kube",
            ".local/share/fish/fish_history",
            ".local/share/keyrings",
            ".local/share/kwalletd",
            ".m2/settings-security.xml",
            ".mozilla",
            ".my.cnf",
            ".mysql_history",
            ".netrc",
            ".npmrc",
            ".oci",
            ".password-store",
            ".pgpass",
            ".pki",
            ".psql_history",
            ".pypirc",
            ".python_history",
            ".ssh",
            ".terraform.d/credentials.tfrc.json",
            ".thunderbird",
            ".vault-token",
            ".zsh_history");

    HostSecrets {
        others = List.copyOf(others);
        own = List.copyOf(own);
    }

    List<Mask> masks() {
        Optional<Path> callers = home.filter(path -> path.getNameCount() > 0);
        List<Mask> masks = new ArrayList<>();
        // Keeping one out of many is safer than to name the many. The way that masks go takes no blanks in such a path.
        masks.add(callers.filter(path -> path.startsWith(HOME)
                        && path.getNameCount() > 1
                        && !path.toString().contains(" "))
                .<Mask>map(path -> new Mask.Only(HOME, path))
                .orElseGet(() -> new Mask.Hidden(HOME)));
        for (List<String> list : List.of(OF_THE_RUNNING_HOST, OF_THE_SYSTEM)) {
            list.stream()
                    .map(Path::of)
                    .filter(path -> !isCallers(path, callers))
                    .forEach(path -> masks.add(new Mask.Hidden(path)));
        }
        others.stream().filter(path -> !isCallers(path, callers)).forEach(path -> masks.add(new Mask.Hidden(path)));
        own.forEach(path -> masks.add(new Mask.Hidden(path)));
        callers.ifPresent(path -> OF_A_USER.forEach(name -> masks.add(new Mask.Hidden(path.resolve(name)))));
        return masks;
    }

    private static boolean isCallers(Path path, Optional<Path> callers) {
        return callers.filter(home -> home.startsWith(path)).isPresent();
    }
}
