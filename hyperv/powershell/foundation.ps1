# What every function of this module stands on: times and codes as text, errors with the port's own ids, turns, and the
# two questions "is Hyper-V there" and "does the cluster service run". Dot-sourced by Watari.HyperV.psm1.

$script:Invariant = [System.Globalization.CultureInfo]::InvariantCulture

# More than the longest turn, which is DISM with a cumulative update (90 min, hyperv/powershell/host.ts); the caller's
# own timeout is the one that counts.
$script:TurnTimeoutMs = 7200000

function ConvertTo-IsoTime {
    param([Parameter(Mandatory = $true)][datetime]$Time)
    $Time.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", $script:Invariant)
}

# A DWORD arrives signed or unsigned, depending on who read it.
function ConvertTo-HResult {
    param($Value)
    '0x{0:X8}' -f ([long]$Value -band 4294967295)
}

# The value of a property that not every version of Windows has; $null where it is absent.
function Read-Property {
    param($From, [string]$Name)
    if ($null -eq $From) { return $null }
    $property = $From.PSObject.Properties[$Name]
    if ($null -eq $property) { return $null }
    $property.Value
}

# Owner nodes, owner groups and resource types are objects in one version and plain names in another.
function Get-NameOf {
    param($Thing)
    if ($null -eq $Thing) { return '' }
    $name = Read-Property $Thing 'Name'
    if ($null -eq $name) { return [string]$Thing }
    [string]$name
}

# An error of this module. Its id is one of the codes that hyperv/host.ts names; 5.1 has no public setter for HResult,
# so the code travels in Exception.Data.
function New-ModuleError {
    param(
        [Parameter(Mandatory = $true)][string]$Id,
        [Parameter(Mandatory = $true)][string]$Message,
        [string]$HResult,
        [System.Management.Automation.ErrorCategory]$Category = 'InvalidOperation',
        $Target
    )
    $exception = [System.InvalidOperationException]::new($Message)
    $exception.Data['WatariErrorId'] = $Id
    if ($HResult) { $exception.Data['WatariHResult'] = $HResult }
    [System.Management.Automation.ErrorRecord]::new($exception, $Id, $Category, $Target)
}

function Test-ModuleError {
    param([System.Management.Automation.ErrorRecord]$Record)
    $Record.Exception.Data.Contains('WatariErrorId')
}

# Runs the work of one acting function at a time on this machine, whichever process calls it, so that the second of two
# callers sees what the first has done. The holder's death hands the turn on.
function Invoke-InTurn {
    param([Parameter(Mandatory = $true)][string]$Of, [Parameter(Mandatory = $true)][scriptblock]$Work)
    $turnMutex = [System.Threading.Mutex]::new($false, "Global\Watari.HyperV.$Of")
    $turnMine = $false
    try {
        try { $turnMine = $turnMutex.WaitOne($script:TurnTimeoutMs) }
        catch [System.Threading.AbandonedMutexException] { $turnMine = $true }
        if (-not $turnMine) {
            throw (New-ModuleError -Id 'Busy' -HResult '0x800700AA' -Category ResourceBusy -Message (
                    "Another $Of has been running on this computer for two hours."))
        }
        & $Work
    }
    finally {
        if ($turnMine) { $turnMutex.ReleaseMutex() }
        $turnMutex.Dispose()
    }
}

# A read of several cmdlets meets objects that leave in between (a VM moves away, a role is removed): read it again.
function Invoke-Consistently {
    param([Parameter(Mandatory = $true)][scriptblock]$Read)
    for ($attempt = 1; ; $attempt++) {
        try { return & $Read }
        catch {
            if ($attempt -ge 3 -or (Test-ModuleError $_)) { throw }
        }
    }
}

# State of services by name as Win32_Service tells it; one that is not installed is not in the answer.
function Get-ServiceState {
    param([string[]]$Name)
    $state = @{}
    # Nothing else can be the name of a service, and a quote would be part of the query.
    $wanted = @($Name | Where-Object { $_ -match '\A[\w.$ -]+\z' })
    if ($wanted.Count -eq 0) { return $state }
    $filter = ($wanted | ForEach-Object { "Name='$_'" }) -join ' OR '
    Invoke-Recorded { CimCmdlets\Get-CimInstance -ClassName Win32_Service -Filter $filter } |
        ForEach-Object { $state[[string]$_.Name] = [string]$_.State }
    $state
}

# The service of Hyper-V exists once the role is installed and the machine has restarted since. It starts some time
# after the machine, and no cmdlet of Hyper-V answers before.
function Test-HyperV {
    (Get-ServiceState 'vmms')['vmms'] -eq 'Running'
}

function Assert-HyperV {
    $state = (Get-ServiceState 'vmms')['vmms']
    if ($state -eq 'Running') { return }
    if ($null -ne $state) {
        throw (New-ModuleError -Id 'HyperVNotReady' -Category ResourceUnavailable -Message (
                "Hyper-V of $([Environment]::MachineName) does not answer yet: vmms is $state."))
    }
    throw (New-ModuleError -Id 'HyperVMissing' -Category NotInstalled -Message (
            "$([Environment]::MachineName) does not have the Hyper-V role, or has not restarted since it was installed: " +
            'there is no service vmms.'))
}

function Assert-Cluster {
    $state = (Get-ServiceState 'ClusSvc')['ClusSvc']
    if ($state -eq 'Running') { return }
    if ($null -eq $state) { $state = 'missing' }
    throw (New-ModuleError -Id 'ClusterUnreachable' -Category ConnectionError -Message (
            "The cluster service of $([Environment]::MachineName) is not running: ClusSvc is $state."))
}
