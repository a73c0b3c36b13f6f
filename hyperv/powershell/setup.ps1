# How this machine was set up by hand: workgroup, accounts, policies, firmware. Reads only. Dot-sourced by
# Watari.HyperV.psm1.
#
# Classes of WMI and the registry by way of StdRegProv instead of cmdlets: names of groups and the like are in the
# language of Windows, SIDs and keys are not, and TrustedHosts is there while WinRM is stopped.

# NT VIRTUAL MACHINE\Virtual Machines, under which VMs start.
$script:VirtualMachinesSid = 'S-1-5-83-0'

# Local accounts are the members that count here. Get-LocalGroupMember fails for the whole group where one of its
# members is an account that is gone.
$script:AdministratorsSid = 'S-1-5-32-544'

$script:RegistryKeys = @{
    Names         = 'SYSTEM\CurrentControlSet\Services\Tcpip\Parameters'
    Windows       = 'SOFTWARE\Microsoft\Windows NT\CurrentVersion'
    System        = 'SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System'
    Pku2u         = 'SYSTEM\CurrentControlSet\Control\Lsa\pku2u'
    SystemPolicy  = 'SOFTWARE\Policies\Microsoft\Windows\System'
    WinRM         = 'SOFTWARE\Microsoft\Windows\CurrentVersion\WSMAN\Client'
    WinRMPolicy   = 'SOFTWARE\Policies\Microsoft\Windows\WinRM\Client'
    Updates       = 'SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate\AU'
    Processor     = 'HARDWARE\DESCRIPTION\System\CentralProcessor\0'
    # Each certificate is a key named by its thumbprint.
    ShieldedCerts = 'SOFTWARE\Microsoft\SystemCertificates\Shielded VM Local Certificates\Certificates'
}

# One thing that Windows does not show, or cannot at this moment, must not take the rest with it:
# nothing, and a warning. Nothing is no $null: @(...)[0] makes one of it.
function Read-Optional {
    param([string]$Subject, [scriptblock]$Read)
    try { & $Read }
    catch { Write-Warning "$Subject of $([Environment]::MachineName) cannot be read: $($_.Exception.Message)" }
}

# A value below HKEY_LOCAL_MACHINE (2147483650); $null where it is absent.
function Read-RegistryNumber {
    param([string]$Key, [string]$Name)
    $answer = Invoke-Recorded {
        CimCmdlets\Invoke-CimMethod -Namespace root/cimv2 -ClassName StdRegProv -MethodName GetDWORDValue -Arguments @{ hDefKey = [uint32]2147483650; sSubKeyName = $Key; sValueName = $Name }
    }
    if ([long]$answer.ReturnValue -ne 0) { return $null }
    [long]$answer.uValue
}

function Read-RegistryText {
    param([string]$Key, [string]$Name)
    $answer = Invoke-Recorded {
        CimCmdlets\Invoke-CimMethod -Namespace root/cimv2 -ClassName StdRegProv -MethodName GetStringValue -Arguments @{ hDefKey = [uint32]2147483650; sSubKeyName = $Key; sValueName = $Name }
    }
    if ([long]$answer.ReturnValue -ne 0) { return $null }
    [string]$answer.sValue
}

# Names of the keys below a key of HKEY_LOCAL_MACHINE; none where it is absent.
function Read-RegistryKeyName {
    param([string]$Key)
    $answer = Invoke-Recorded {
        CimCmdlets\Invoke-CimMethod -Namespace root/cimv2 -ClassName StdRegProv -MethodName EnumKey -Arguments @{ hDefKey = [uint32]2147483650; sSubKeyName = $Key }
    }
    if ([long]$answer.ReturnValue -ne 0) { return }
    @($answer.sNames | Where-Object { $_ } | ForEach-Object { [string]$_ })
}

# Microcode of the first processor: of the eight bytes Intel uses the upper half and AMD the lower one.
function Read-Microcode {
    $key = $script:RegistryKeys.Processor
    $answer = Invoke-Recorded {
        CimCmdlets\Invoke-CimMethod -Namespace root/cimv2 -ClassName StdRegProv -MethodName GetBinaryValue -Arguments @{ hDefKey = [uint32]2147483650; sSubKeyName = $key; sValueName = 'Update Revision' }
    }
    if ([long]$answer.ReturnValue -ne 0) { return '' }
    $bytes = [byte[]]@($answer.uValue)
    if ($bytes.Count -lt 4) { return '' }
    $revision = [System.BitConverter]::ToUInt32($bytes, 0)
    if ($bytes.Count -ge 8 -and [System.BitConverter]::ToUInt32($bytes, 4) -ne 0) { $revision = [System.BitConverter]::ToUInt32($bytes, 4) }
    '{0:X8}' -f $revision
}

# A policy wins over what Set-Item WSMan:\localhost\Client\TrustedHosts wrote.
function Read-TrustedHost {
    $list = Read-RegistryText $script:RegistryKeys.WinRMPolicy TrustedHostsList
    if ($null -eq $list) { $list = Read-RegistryText $script:RegistryKeys.WinRM trusted_hosts }
    @(([string]$list).Split(',') | ForEach-Object { $_.Trim() } | Where-Object { $_ })
}

function ConvertTo-Account {
    param([Parameter(ValueFromPipeline = $true)]$User)
    process {
        [pscustomobject][ordered]@{
            name    = [string]$User.Name
            sid     = [string]$User.SID
            enabled = -not [bool]$User.Disabled
            builtIn = [string]$User.SID -match '\AS-1-5-21-[\d-]+-500\z'
        }
    }
}

function Read-Administrator {
    $filter = "LocalAccount=TRUE AND SID='$($script:AdministratorsSid)'"
    $group = @(Invoke-Recorded { CimCmdlets\Get-CimInstance -ClassName Win32_Group -Filter $filter })[0]
    if ($null -eq $group) { return }
    Invoke-Recorded { CimCmdlets\Get-CimAssociatedInstance -InputObject $group -Association Win32_GroupUser -ResultClassName Win32_UserAccount } |
        Where-Object { $_.LocalAccount } | ConvertTo-Account
}

# Who this process runs as. One that is no local account (a service's own, one of a domain) has no such record: enabled.
function Read-OwnAccount {
    $filter = "ProcessId=$PID"
    $process = @(Invoke-Recorded { CimCmdlets\Get-CimInstance -ClassName Win32_Process -Filter $filter })[0]
    $owner = Invoke-Recorded { CimCmdlets\Invoke-CimMethod -InputObject $process -MethodName GetOwner }
    $sid = [string](Invoke-Recorded { CimCmdlets\Invoke-CimMethod -InputObject $process -MethodName GetOwnerSid }).Sid
    $filter = "LocalAccount=TRUE AND SID='$sid'"
    $known = @(Invoke-Recorded { CimCmdlets\Get-CimInstance -ClassName Win32_UserAccount -Filter $filter } | ConvertTo-Account)[0]
    if ($null -eq $known) { $known = ConvertTo-Account ([pscustomobject]@{ Name = $owner.User; SID = $sid; Disabled = $false }) }
    # An administrator may set values below HKLM\SOFTWARE (2 is KEY_SET_VALUE), unless User Account Control took the
    # right out of this session.
    $may = Invoke-Recorded {
        CimCmdlets\Invoke-CimMethod -Namespace root/cimv2 -ClassName StdRegProv -MethodName CheckAccess -Arguments @{ hDefKey = [uint32]2147483650; sSubKeyName = 'SOFTWARE'; uRequired = [uint32]2 }
    }
    [pscustomobject][ordered]@{
        name     = $known.name
        sid      = $known.sid
        enabled  = $known.enabled
        builtIn  = $known.builtIn
        elevated = [bool]$may.bGranted
    }
}

# Before Windows Server 2025 there is no such setting.
function Read-BlockNtlm {
    $client = Invoke-Recorded { SmbShare\Get-SmbClientConfiguration -Confirm:$false }
    $blocked = Read-Property $client 'BlockNTLM'
    if ($null -eq $blocked) { return $null }
    [bool]$blocked
}

$script:PolicyNames = @(
    'SeCreateSymbolicLinkPrivilege', 'SeServiceLogonRight'
    'SeBatchLogonRight', 'SeDenyBatchLogonRight', 'SeNetworkLogonRight', 'SeDenyNetworkLogonRight'
    'LockoutBadCount', 'LockoutDuration', 'ResetLockoutCount'
)

# The security policy, values by name, in one export of secedit.exe.
function Read-Policy {
    $names = $script:PolicyNames
    $policy = @{}
    foreach ($one in @(Invoke-Recorded { Watari.Probe\Read-SecurityPolicy -Name $names })) {
        $policy[[string]$one.Name] = @($one.Values | ForEach-Object { [string]$_ })
    }
    $policy
}

# $null before Hyper-V, whose installation gives these rights.
function Read-VirtualMachineRight {
    param([hashtable]$Policy)
    if ($null -eq $Policy -or -not (Test-HyperV)) { return $null }
    [pscustomobject][ordered]@{
        createSymbolicLinks = $Policy['SeCreateSymbolicLinkPrivilege'] -contains $script:VirtualMachinesSid
        logOnAsService      = $Policy['SeServiceLogonRight'] -contains $script:VirtualMachinesSid
    }
}

# A number of the security policy; where accounts are never locked, the two that say for how long are absent.
function Read-PolicyNumber {
    param([hashtable]$Policy, [string]$Name)
    $text = [string]@($Policy[$Name])[0]
    if ($text -match '\A-?\d{1,9}\z') { return [int]$text }
    0
}

# When the password of a local account expires; nothing for one that does not. Win32_UserAccount knows only whether.
function Read-PasswordEnd {
    param([string]$Name)
    $user = Invoke-Recorded { Microsoft.PowerShell.LocalAccounts\Get-LocalUser -Name $Name }
    if ($null -ne $user.PasswordExpires) { ConvertTo-IsoTime ([datetime]$user.PasswordExpires) }
}

# 1 is Credential Guard; the class is absent from a Windows without virtualization-based security.
function Test-CredentialGuard {
    $guard = Invoke-Recorded { CimCmdlets\Get-CimInstance -Namespace root/Microsoft/Windows/DeviceGuard -ClassName Win32_DeviceGuard }
    if ($null -eq $guard) { return $null }
    @(Read-Property $guard 'SecurityServicesRunning') -contains 1
}

# What lets the account of this process in, keeps it out, or will.
function Read-Security {
    param($Account, [hashtable]$Policy)
    $lockout = $null
    $rights = $null
    if ($null -ne $Policy) {
        $lockout = [pscustomobject][ordered]@{
            threshold     = Read-PolicyNumber $Policy LockoutBadCount
            minutes       = Read-PolicyNumber $Policy LockoutDuration
            windowMinutes = Read-PolicyNumber $Policy ResetLockoutCount
        }
        $rights = [pscustomobject][ordered]@{
            batch       = @($Policy['SeBatchLogonRight'])
            denyBatch   = @($Policy['SeDenyBatchLogonRight'])
            network     = @($Policy['SeNetworkLogonRight'])
            denyNetwork = @($Policy['SeDenyNetworkLogonRight'])
        }
    }
    $filter = "LocalAccount=TRUE AND SID='$($Account.sid)'"
    $user = @(Invoke-Recorded { CimCmdlets\Get-CimInstance -ClassName Win32_UserAccount -Filter $filter })[0]
    $expires = $null
    if ($null -ne $user) { $expires = @(Read-Optional 'The age of the password' { Read-PasswordEnd $Account.name })[0] }
    [pscustomobject][ordered]@{
        lockout         = $lockout
        rights          = $rights
        locked          = [bool](Read-Property $user 'Lockout')
        passwordExpires = $expires
        credentialGuard = @(Read-Optional 'Credential Guard' { Test-CredentialGuard })[0]
    }
}

# Who holds the core group: by WMI, since names of groups are in the language of Windows. $null where the cluster
# service does not run.
function Read-ClusterRule {
    if ((Get-ServiceState 'ClusSvc')['ClusSvc'] -ne 'Running') { return $null }
    # 1 is the type of the core group.
    $core = @(Invoke-Recorded {
            CimCmdlets\Get-CimInstance -Namespace root/MSCluster -Query 'SELECT Name, OwnerNode FROM MSCluster_ResourceGroup WHERE GroupType=1'
        })[0]
    [pscustomobject][ordered]@{
        coreGroupOwner = [string](Read-Property $core 'OwnerNode')
    }
}

function Read-ListeningPort {
    param([int[]]$Port)
    if ($Port.Count -eq 0) { return }
    # 2 is Listen. What listens for this machine alone is of no use to another.
    $open = @(Invoke-Recorded { CimCmdlets\Get-CimInstance -Namespace root/StandardCimv2 -ClassName MSFT_NetTCPConnection -Filter 'State=2' } |
            Where-Object { '127.0.0.1', '::1' -notcontains [string]$_.LocalAddress } | ForEach-Object { [int]$_.LocalPort })
    $Port | Where-Object { $open -contains $_ }
}

function Get-WatariSetup {
    <#
    .SYNOPSIS
    Tells how this machine was set up: workgroup, accounts, policies, TrustedHosts, firmware, what listens.
    .DESCRIPTION
    What this Windows does not have is $null or empty; what it does not show as well, with a warning.
    .PARAMETER Port
    TCP ports to look at.
    .EXAMPLE
    Get-WatariSetup -Port 3343, 6600
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][AllowEmptyCollection()][Alias('ports')][ValidateRange(1, 65535)][int[]]$Port)
    $keys = $script:RegistryKeys
    $computer = Invoke-Recorded { CimCmdlets\Get-CimInstance -ClassName Win32_ComputerSystem }
    $bios = @(Read-Optional 'The firmware' { Invoke-Recorded { CimCmdlets\Get-CimInstance -ClassName Win32_BIOS } })[0]
    $workgroup = $null
    $domain = $null
    $account = Read-OwnAccount
    $policy = @(Read-Optional 'The security policy' { Read-Policy })[0]
    if ($computer.PartOfDomain) { $domain = [string]$computer.Domain } else { $workgroup = [string]$computer.Workgroup }
    [pscustomobject][ordered]@{
        node                  = [string]$computer.Name
        workgroup             = $workgroup
        domain                = $domain
        dnsSuffix             = [string](Read-RegistryText $keys.Names 'NV Domain')
        updateRevision        = [int](Read-RegistryNumber $keys.Windows UBR)
        account               = $account
        administrators        = @(Read-Optional 'The group of administrators' { Read-Administrator })
        policies              = [pscustomobject][ordered]@{
            localAccountTokenFilterPolicy = Read-RegistryNumber $keys.System LocalAccountTokenFilterPolicy
            allowPku2u                    = Read-RegistryNumber $keys.Pku2u AllowOnlineID
            allowCustomSspsAps            = Read-RegistryNumber $keys.SystemPolicy AllowCustomSSPsAPs
            blockNtlm                     = @(Read-Optional 'The SMB client' { Read-BlockNtlm })[0]
            virtualMachineRights          = @(Read-Optional 'The user rights' { Read-VirtualMachineRight $policy })[0]
        }
        trustedHosts          = @(Read-TrustedHost)
        bios                  = ([string](Read-Property $bios 'SMBIOSBIOSVersion')).Trim()
        microcode             = [string](Read-Optional 'The microcode' { Read-Microcode })
        listening             = @(Read-Optional 'The list of listening ports' { Read-ListeningPort $Port })
        shieldingCertificates = @(Read-RegistryKeyName $keys.ShieldedCerts)
        security              = Read-Security $account $policy
        automaticUpdates      = [pscustomobject][ordered]@{
            off    = Read-RegistryNumber $keys.Updates NoAutoUpdate
            option = Read-RegistryNumber $keys.Updates AUOptions
        }
        cluster               = @(Read-Optional 'The rules of the cluster' { Read-ClusterRule })[0]
    }
}
