# How this machine was set up by hand: workgroup, accounts, policies, firmware. Reads only. Dot-sourced by
# Watari.HyperV.psm1.
#
# Classes of WMI and the registry by way of StdRegProv instead of cmdlets: names of groups and the like are in the language
# of Windows, SIDs and keys are not, and TrustedHosts is there while WinRM is stopped.

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
    # An administrator may set values below HKLM\SOFTWARE (2 is KEY_SET_VALUE), unless User Account Control took the right
    # out of this session.
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

# $null before Hyper-V, whose installation gives these rights.
function Read-VirtualMachineRight {
    if (-not (Test-HyperV)) { return $null }
    $rights = @(Invoke-Recorded { Watari.Probe\Read-UserRight -Name SeCreateSymbolicLinkPrivilege, SeServiceLogonRight })
    $has = @{}
    foreach ($right in $rights) { $has[[string]$right.Name] = @($right.Sids) -contains $script:VirtualMachinesSid }
    [pscustomobject][ordered]@{
        createSymbolicLinks = [bool]$has['SeCreateSymbolicLinkPrivilege']
        logOnAsService      = [bool]$has['SeServiceLogonRight']
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
    if ($computer.PartOfDomain) { $domain = [string]$computer.Domain } else { $workgroup = [string]$computer.Workgroup }
    [pscustomobject][ordered]@{
        node                  = [string]$computer.Name
        workgroup             = $workgroup
        domain                = $domain
        dnsSuffix             = [string](Read-RegistryText $keys.Names 'NV Domain')
        updateRevision        = [int](Read-RegistryNumber $keys.Windows UBR)
        account               = Read-OwnAccount
        administrators        = @(Read-Optional 'The group of administrators' { Read-Administrator })
        policies              = [pscustomobject][ordered]@{
            localAccountTokenFilterPolicy = Read-RegistryNumber $keys.System LocalAccountTokenFilterPolicy
            allowPku2u                    = Read-RegistryNumber $keys.Pku2u AllowOnlineID
            allowCustomSspsAps            = Read-RegistryNumber $keys.SystemPolicy AllowCustomSSPsAPs
            blockNtlm                     = @(Read-Optional 'The SMB client' { Read-BlockNtlm })[0]
            virtualMachineRights          = @(Read-Optional 'The user rights' { Read-VirtualMachineRight })[0]
        }
        trustedHosts          = @(Read-TrustedHost)
        bios                  = ([string](Read-Property $bios 'SMBIOSBIOSVersion')).Trim()
        microcode             = [string](Read-Optional 'The microcode' { Read-Microcode })
        listening             = @(Read-Optional 'The list of listening ports' { Read-ListeningPort $Port })
        shieldingCertificates = @(Read-RegistryKeyName $keys.ShieldedCerts)
    }
}
